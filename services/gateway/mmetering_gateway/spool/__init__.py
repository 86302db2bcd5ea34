"""Where readings rest on disk, from their poll until a receipt names them; undated ones get their time here."""

"""What people are billed by: energy of quarter hours, shares of own production, statements. Pure."""

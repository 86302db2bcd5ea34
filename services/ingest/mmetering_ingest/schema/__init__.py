"""The schema that ingest owns: its migrations, and what each `migrate` sees to beyond them."""

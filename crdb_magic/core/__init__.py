"""What knows no notebook, no driver and no ORM: values, the lexer, the retry engine, types and frames."""

"""What a message is worth: decoded, checked, numbered per run, gathered into chunks. Pure."""

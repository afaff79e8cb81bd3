"""What analytics keeps on disk, so that a restart changes nothing."""

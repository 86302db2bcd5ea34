"""Commands that measure mmetering beside its peers and its limits; each figure that the README quotes is one."""

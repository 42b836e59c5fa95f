"""What keeps the catalog through upgrades, full disks and damage."""

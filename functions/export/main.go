// Function export serves members, usage and what it cost whom as files.
package main

import (
	"roster/internal/boot"
	"roster/internal/export"
)

func main() { boot.HTTP("export", export.Endpoints) }

// Function roles serves an organization's roles.
package main

import (
	"roster/internal/boot"
	"roster/internal/role"
)

func main() { boot.HTTP("roles", role.Endpoints) }

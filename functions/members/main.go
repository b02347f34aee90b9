// Function members serves the members of an organization: list, read, change, remove, leave.
package main

import (
	"roster/internal/boot"
	"roster/internal/member"
	"roster/internal/offboarding"
)

func main() { boot.HTTP("members", member.Endpoints, offboarding.Endpoints) }

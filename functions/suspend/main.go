// Function suspend serves suspending and unsuspending members.
package main

import (
	"roster/internal/boot"
	"roster/internal/member"
)

func main() { boot.HTTP("suspend", member.Endpoints) }

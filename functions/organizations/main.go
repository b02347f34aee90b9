// Function organizations serves organizations: founding, settings, security, ownership, deletion, suspension by the platform.
package main

import (
	"roster/internal/account"
	"roster/internal/boot"
	"roster/internal/deletion"
	"roster/internal/member"
	"roster/internal/organization"
)

func main() {
	boot.HTTP("organizations", organization.Endpoints, account.Endpoints, deletion.Endpoints, member.Endpoints)
}

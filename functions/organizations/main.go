// Function organizations serves organizations: founding, settings, deletion, suspension by the platform.
package main

import (
	"roster/internal/account"
	"roster/internal/boot"
	"roster/internal/deletion"
	"roster/internal/organization"
)

func main() {
	boot.HTTP("organizations", organization.Endpoints, account.Endpoints, deletion.Endpoints)
}

// Function invite serves the administrators' side of invitations: invite, list, resend, revoke.
package main

import (
	"roster/internal/boot"
	"roster/internal/invitation"
)

func main() { boot.HTTP("invite", invitation.Endpoints) }

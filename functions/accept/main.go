// Function accept serves the invited person's side: looking at an invitation, accepting it, proving an address.
package main

import (
	"roster/internal/boot"
	"roster/internal/invitation"
)

func main() { boot.HTTP("accept", invitation.Endpoints) }

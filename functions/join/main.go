// Function join serves the asking side of join requests.
package main

import (
	"roster/internal/boot"
	"roster/internal/joinrequest"
)

func main() { boot.HTTP("join", joinrequest.Endpoints) }

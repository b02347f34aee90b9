// Function approve serves the deciding side of join requests: list, approve, reject.
package main

import (
	"roster/internal/boot"
	"roster/internal/joinrequest"
)

func main() { boot.HTTP("approve", joinrequest.Endpoints) }

// Function authorize answers gateways: may this key use models now?
package main

import (
	"roster/internal/boot"
	"roster/internal/usage"
)

func main() { boot.HTTP("authorize", usage.AuthorizeEndpoints) }

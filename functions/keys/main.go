// Function keys serves API keys: create, list, revoke.
package main

import (
	"roster/internal/apikey"
	"roster/internal/boot"
)

func main() { boot.HTTP("keys", apikey.Endpoints) }

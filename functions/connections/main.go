// Function connections serves providers' credentials: store, list, change, delete.
package main

import (
	"roster/internal/boot"
	"roster/internal/connection"
	"roster/internal/envelope/kmskey"
)

func main() { boot.HTTP("connections", kmskey.With(connection.Endpoints)) }

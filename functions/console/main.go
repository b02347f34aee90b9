// Function console serves pages: the API reference, and where links in mails lead.
package main

import (
	"roster/internal/boot"
	"roster/internal/console"
)

func main() { boot.HTTP("console", console.Endpoints) }

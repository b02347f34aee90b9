// Function billing serves an organization's billing settings and its statements.
package main

import (
	"roster/internal/billing"
	"roster/internal/boot"
)

func main() { boot.HTTP("billing", billing.Endpoints) }

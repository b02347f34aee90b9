// Function billing serves an organization's billing settings, its prices of models and its statements.
package main

import (
	"roster/internal/billing"
	"roster/internal/boot"
	"roster/internal/price"
)

func main() { boot.HTTP("billing", billing.Endpoints, price.Endpoints) }

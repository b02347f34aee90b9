// Function meter serves the recording of model calls.
package main

import (
	"roster/internal/boot"
	"roster/internal/usage"
)

func main() { boot.HTTP("meter", usage.MeterEndpoints) }

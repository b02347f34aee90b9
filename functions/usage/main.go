// Function usage serves usage reports.
package main

import (
	"roster/internal/boot"
	"roster/internal/usage"
)

func main() { boot.HTTP("usage", usage.ReportEndpoints) }

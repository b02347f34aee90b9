// Function limits serves what may be spent.
package main

import (
	"roster/internal/boot"
	"roster/internal/limit"
)

func main() {
	boot.HTTP("limits", limit.Endpoints)
}

// Function limits serves what may be spent, and requests for more.
package main

import (
	"roster/internal/boot"
	"roster/internal/limit"
	"roster/internal/limitrequest"
)

func main() {
	boot.HTTP("limits", limit.Endpoints, limitrequest.Endpoints)
}

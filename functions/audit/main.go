// Function audit tells what happened, why somebody may not use models, and who still
// needs their access.
package main

import (
	"roster/internal/audit"
	"roster/internal/boot"
	"roster/internal/diagnosis"
	"roster/internal/member"
)

func main() { boot.HTTP("audit", audit.Endpoints, diagnosis.Endpoints, member.ReviewEndpoints) }

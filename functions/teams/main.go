// Function teams serves an organization's teams and who is in them.
package main

import (
	"slices"

	"roster/internal/api"
	"roster/internal/boot"
	"roster/internal/env"
	"roster/internal/member"
	"roster/internal/team"
)

func main() {
	boot.HTTP("teams", func(e *env.Env) []api.Endpoint {
		return slices.Concat(team.Endpoints(e), member.Endpoints(e))
	})
}

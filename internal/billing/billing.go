// Package billing keeps to whom an organization's usage is accounted for, compares
// what it spends with its budget, and makes its monthly statements.
//
// The statement of the month that is under way is computed when it is asked for.
// Some time after its end function close-statements closes a month: then its
// statement is stored, and never changes. A member's counters are read once per
// statement, and the reading is kept; the next statement reads the two months before
// its own again, and shows by how much they grew since as adjustments. So every event
// is on exactly one statement, however late it was reported.
package billing

import (
	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/env"
	"roster/internal/route"
)

// Service has the use cases of billing.
type Service struct{ *env.Env }

// Endpoints are the routes of billing.
func Endpoints(e *env.Env) []api.Endpoint {
	s := Service{e}
	return []api.Endpoint{
		api.Handle(route.GetBilling, access.Member(e), s.GetBilling),
		api.Handle(route.UpdateBilling, access.Member(e), s.UpdateBilling),
		api.Handle(route.ListStatements, access.Member(e), s.ListStatements),
		api.Handle(route.GetStatement, access.Member(e), s.GetStatement),
	}
}

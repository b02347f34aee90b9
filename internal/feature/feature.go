// Package feature lists the features, for what needs all of them in one process:
// the local stack, the OpenAPI generator, the tests over every route.
package feature

import (
	"roster/internal/account"
	"roster/internal/apikey"
	"roster/internal/audit"
	"roster/internal/billing"
	"roster/internal/boot"
	"roster/internal/connection"
	"roster/internal/console"
	"roster/internal/deletion"
	"roster/internal/diagnosis"
	"roster/internal/export"
	"roster/internal/invitation"
	"roster/internal/job"
	"roster/internal/joinrequest"
	"roster/internal/limit"
	"roster/internal/limitrequest"
	"roster/internal/member"
	"roster/internal/offboarding"
	"roster/internal/organization"
	"roster/internal/price"
	"roster/internal/role"
	"roster/internal/team"
	"roster/internal/usage"
)

// All is every feature's endpoints.
var All = []boot.Endpoints{
	account.Endpoints,
	organization.Endpoints,
	deletion.Endpoints,
	invitation.Endpoints,
	joinrequest.Endpoints,
	member.Endpoints,
	offboarding.Endpoints,
	role.Endpoints,
	job.Endpoints,
	team.Endpoints,
	limit.Endpoints,
	limitrequest.Endpoints,
	apikey.Endpoints,
	connection.Endpoints,
	usage.AuthorizeEndpoints,
	usage.MeterEndpoints,
	usage.ReportEndpoints,
	audit.Endpoints,
	export.Endpoints,
	diagnosis.Endpoints,
	member.ReviewEndpoints,
	billing.Endpoints,
	price.Endpoints,
	console.Endpoints,
}

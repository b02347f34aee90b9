// Package jobs lists the kinds of jobs of every feature, for what runs them.
package jobs

import (
	"roster/internal/export"
	"roster/internal/invitation"
	"roster/internal/job"
	"roster/internal/member"
	"roster/internal/offboarding"
)

// All is every feature's kinds.
var All = []job.Kinds{
	export.Jobs,
	invitation.Jobs,
	member.Jobs,
	offboarding.Jobs,
}

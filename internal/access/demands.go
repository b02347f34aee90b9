package access

import (
	"time"

	"roster/internal/policy"
	"roster/internal/route"
)

// demands are what an organization may require of each person, with why a member does
// not meet one; in the order in which they are told. Service accounts meet all. A
// decision needs nothing but the items of the member and of the organization, which
// every call reads.
var demands = []struct {
	of    route.Demand
	unmet func(organizationView, memberView, time.Time) error
}{
	{route.TwoFactor, organizationView.twoFactorUnmet},
	{route.PolicyAcceptance, organizationView.acceptanceUnmet},
}

func (o organizationView) twoFactorUnmet(m memberView, now time.Time) error {
	return o.Policy.Act(m.TwoFactor || m.Kind == serviceAccount, now)
}

func (o organizationView) acceptanceUnmet(m memberView, _ time.Time) error {
	if !o.RequireAcceptance || m.Kind == serviceAccount {
		return nil
	}
	return policy.TermsAt(o.PolicyURL, o.PolicyVersion).Act(m.Accepted.Version)
}

// serviceAccount is the kind of members without a person; package member has the words.
const serviceAccount = "service"

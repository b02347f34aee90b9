package policy

import (
	"roster/internal/fault"
	"roster/internal/field"
)

// ErrTerms refuses who has not accepted the terms; it names them.
var ErrTerms = fault.New(fault.Forbidden, "policy_not_accepted",
	"The organization requires that its policy be accepted first, by the member in person: read what is at policy_url, then POST /api/organizations/{org_id}/policy/accept.")

// Terms are a version of an organization's policy in words, which people agree to, and
// where it is. The zero Terms are none.
type Terms struct {
	Version int       `dynamodbav:"version,omitempty" json:"policy_version"`
	URL     field.URL `dynamodbav:"url,omitempty" json:"policy_url"`
}

// TermsAt are those at an address. The first version is 1, whether it was counted or
// stood there before versions were.
func TermsAt(url field.URL, counted int) Terms {
	if url == "" {
		return Terms{}
	}
	return Terms{max(1, counted), url}
}

// Act returns why who last accepted a version, 0 for none, may do nothing where these
// terms are to be accepted; nil if they may. Versions only rise, so a later one than
// these is one that the caller has not read yet.
func (t Terms) Act(accepted int) error {
	if accepted >= t.Version {
		return nil
	}
	return ErrTerms.With("policy_version", t.Version).With("policy_url", t.URL)
}

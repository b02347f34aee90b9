package organization

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"roster/internal/email"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/permission"
)

// Settings is a merge patch of an organization (RFC 7396): what is absent stays,
// null resets to the default.
type Settings struct {
	Name                field.Optional[field.Name]            `json:"name,omitzero"`
	TimeZone            field.Optional[field.TimeZone]        `json:"time_zone,omitzero"`
	AllowJoinRequests   field.Optional[bool]                  `json:"allow_join_requests,omitzero"`
	AutoApproveRequests field.Optional[bool]                  `json:"auto_approve_requests,omitzero"`
	AutoApproveDomains  field.Optional[[]email.DomainPattern] `json:"auto_approve_domains,omitzero"`
	DefaultRole         field.Optional[field.Label]           `json:"default_role,omitzero"`
	InvitationDays      field.Optional[InvitationDays]        `json:"invitation_days,omitzero"`
	WelcomeMessage      field.Optional[field.Text]            `json:"welcome_message,omitzero"`
	GuidelinesURL       field.Optional[field.URL]             `json:"guidelines_url,omitzero"`
	PolicyURL           field.Optional[field.URL]             `json:"policy_url,omitzero"`
}

// InvitationDays is how long an invitation stands: 1 to 30 days.
type InvitationDays int

func (d *InvitationDays) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var n int
	if err := json.UnmarshalDecode(dec, &n); err != nil {
		return err
	}
	if n < 1 || n > 30 {
		return errors.New("is not a number of days from 1 to 30")
	}
	*d = InvitationDays(n)
	return nil
}

// maxDomains bounds the list of auto-approved domains.
const maxDomains = 50

// Validate refuses an organization without a name, and domains of which anyone
// can have an address.
func (s Settings) Validate() []fault.Field {
	var faults []fault.Field
	if s.Name.Given && s.Name.Value == "" {
		faults = append(faults, fault.Field{Pointer: "/name", Reason: "is empty"})
	}
	if len(s.AutoApproveDomains.Value) > maxDomains {
		faults = append(faults, fault.Field{Pointer: "/auto_approve_domains", Reason: fmt.Sprintf("has more than %d domains", maxDomains)})
	}
	for i, domain := range s.AutoApproveDomains.Value {
		if domain.Shared() {
			faults = append(faults, fault.Field{
				Pointer: fmt.Sprintf("/auto_approve_domains/%d", i),
				Reason:  "is a domain of which anyone can have an address",
			})
		}
	}
	return faults
}

// defaults are the settings of a new organization.
var defaults = Organization{TimeZone: "UTC", DefaultRole: permission.Member, InvitationDays: 7}

// Merge applies the patch.
func (o Organization) Merge(s Settings) Organization {
	s.Name.Merge(&o.Name)
	merge(s.TimeZone, &o.TimeZone, defaults.TimeZone)
	s.AllowJoinRequests.Merge(&o.AllowJoinRequests)
	s.AutoApproveRequests.Merge(&o.AutoApproveRequests)
	s.AutoApproveDomains.Merge(&o.AutoApproveDomains)
	merge(s.DefaultRole, (*field.Label)(&o.DefaultRole), field.Label(defaults.DefaultRole))
	merge(s.InvitationDays, (*InvitationDays)(&o.InvitationDays), InvitationDays(defaults.InvitationDays))
	s.WelcomeMessage.Merge(&o.WelcomeMessage)
	s.GuidelinesURL.Merge(&o.GuidelinesURL)
	s.PolicyURL.Merge(&o.PolicyURL)
	return o
}

// merge is Optional.Merge where null makes another value than the zero value.
func merge[T any](patch field.Optional[T], into *T, byDefault T) {
	patch.Merge(into)
	if patch.Null {
		*into = byDefault
	}
}

// settings are what an audit event shows, by the API's names.
func (o Organization) settings() map[string]any {
	return map[string]any{
		"name":                  o.Name,
		"time_zone":             o.TimeZone,
		"allow_join_requests":   o.AllowJoinRequests,
		"auto_approve_requests": o.AutoApproveRequests,
		"auto_approve_domains":  append([]email.DomainPattern{}, o.AutoApproveDomains...),
		"default_role":          o.DefaultRole,
		"invitation_days":       o.InvitationDays,
		"welcome_message":       o.WelcomeMessage,
		"guidelines_url":        o.GuidelinesURL,
		"policy_url":            o.PolicyURL,
	}
}

package organization

import (
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"roster/internal/access"
	"roster/internal/email"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/money"
	"roster/internal/permission"
	"roster/internal/spending"
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
	// DefaultMonthlyLimit and DefaultDailyLimit are in USD: null is unlimited, 0 is none.
	DefaultMonthlyLimit field.Optional[money.Amount] `json:"default_monthly_limit,omitzero"`
	DefaultDailyLimit   field.Optional[money.Amount] `json:"default_daily_limit,omitzero"`
	// DefaultRequestsPerMinute, DefaultTokensPerMinute (of input and output together) and
	// DefaultMaxInFlight (reservations at once): null is unlimited, 0 is none.
	DefaultRequestsPerMinute field.Optional[spending.Count] `json:"default_requests_per_minute,omitzero"`
	DefaultTokensPerMinute   field.Optional[spending.Count] `json:"default_tokens_per_minute,omitzero"`
	DefaultMaxInFlight       field.Optional[spending.Count] `json:"default_max_in_flight,omitzero"`
	// LimitMode is how limits apply: strict, balanced (the default) or observe.
	LimitMode field.Optional[spending.Mode] `json:"limit_mode,omitzero"`
	// AlertThresholds are percentages of a member's limits at which they are warned, and
	// from 90 on those who manage members: 80, 90 and 100 where none are chosen.
	AlertThresholds field.Optional[Thresholds]     `json:"alert_thresholds,omitzero"`
	InvitationDays  field.Optional[InvitationDays] `json:"invitation_days,omitzero"`
	// EventRetentionDays is how long single usage events are kept: 35 to 3650 days, 400
	// (the default) for null. It acts on events that are recorded from then on.
	EventRetentionDays field.Optional[RetentionDays] `json:"event_retention_days,omitzero"`
	WelcomeMessage     field.Optional[field.Text]    `json:"welcome_message,omitzero"`
	GuidelinesURL      field.Optional[field.URL]     `json:"guidelines_url,omitzero"`
	PolicyURL          field.Optional[field.URL]     `json:"policy_url,omitzero"`
	// PolicyVersion only goes up: members accept the policy anew. Where it is not said,
	// another policy_url is a new version.
	PolicyVersion field.Optional[PolicyVersion] `json:"policy_version,omitzero"`
	// RequirePolicyAcceptance refuses persons, and their keys, who have not accepted
	// the current version; service accounts accept nothing.
	RequirePolicyAcceptance field.Optional[bool] `json:"require_policy_acceptance,omitzero"`
	// RequireConnection refuses models to whose provider there is no connection.
	RequireConnection field.Optional[bool] `json:"require_connection,omitzero"`
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

// RetentionDays is how long events are kept: at least as long as they are taken late, so
// that their ids count once.
type RetentionDays int

const minRetention, maxRetention = 35, 3650

func (d *RetentionDays) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var n int
	if err := json.UnmarshalDecode(dec, &n); err != nil {
		return err
	}
	if n < minRetention || n > maxRetention {
		return fmt.Errorf("is not a number of days from %d to %d", minRetention, maxRetention)
	}
	*d = RetentionDays(n)
	return nil
}

// PolicyVersion is a number of a version of a policy.
type PolicyVersion int

// maxPolicyVersion bounds it.
const maxPolicyVersion = 1_000_000

func (v *PolicyVersion) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var n int
	if err := json.UnmarshalDecode(dec, &n); err != nil {
		return err
	}
	if n < 1 || n > maxPolicyVersion {
		return fmt.Errorf("is not a number from 1 to %d", maxPolicyVersion)
	}
	*v = PolicyVersion(n)
	return nil
}

// Thresholds are whole percentages of a limit, 1 to 100, each once and in order; of
// none, no warning goes out.
type Thresholds []int

// DefaultThresholds are those of an organization that chose none.
var DefaultThresholds = Thresholds{80, 90, 100}

// maxThresholds bounds the list.
const maxThresholds = 10

func (t *Thresholds) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var all []int
	if err := json.UnmarshalDecode(dec, &all); err != nil {
		return err
	}
	if len(all) > maxThresholds {
		return fmt.Errorf("has more than %d percentages", maxThresholds)
	}
	for _, percent := range all {
		if percent < 1 || percent > 100 {
			return errors.New("has a number that is not a whole percentage from 1 to 100")
		}
	}
	slices.Sort(all)
	*t = append(Thresholds{}, slices.Compact(all)...)
	return nil
}

// Thresholds are the percentages of a limit at which a warning goes out.
func (o Organization) Thresholds() Thresholds {
	if o.AlertThresholds == nil {
		return DefaultThresholds
	}
	return o.AlertThresholds
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
	if s.PolicyVersion.Null {
		faults = append(faults, fault.Field{Pointer: "/policy_version", Reason: "is not a number"})
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
	mergeLimit(s.DefaultMonthlyLimit, &o.DefaultMonthlyLimit)
	mergeLimit(s.DefaultDailyLimit, &o.DefaultDailyLimit)
	mergeLimit(s.DefaultRequestsPerMinute, &o.DefaultRequestsPerMinute)
	mergeLimit(s.DefaultTokensPerMinute, &o.DefaultTokensPerMinute)
	mergeLimit(s.DefaultMaxInFlight, &o.DefaultMaxInFlight)
	s.LimitMode.Merge(&o.LimitMode)
	s.AlertThresholds.Merge(&o.AlertThresholds)
	s.EventRetentionDays.Merge(&o.EventRetentionDays)
	merge(s.InvitationDays, (*InvitationDays)(&o.InvitationDays), InvitationDays(defaults.InvitationDays))
	s.WelcomeMessage.Merge(&o.WelcomeMessage)
	s.GuidelinesURL.Merge(&o.GuidelinesURL)
	o = o.mergePolicy(s)
	s.RequireConnection.Merge(&o.RequireConnection)
	return o
}

// mergePolicy counts a new version where the policy is another, and none is said.
func (o Organization) mergePolicy(s Settings) Organization {
	before, latest := o.PolicyURL, o.latestPolicy()
	s.PolicyURL.Merge(&o.PolicyURL)
	if o.PolicyURL != "" && o.PolicyURL != before {
		o.PolicyVersion = latest + 1
	}
	if s.PolicyVersion.Given {
		o.PolicyVersion = s.PolicyVersion.Value
	}
	s.RequirePolicyAcceptance.Merge(&o.RequirePolicyAcceptance)
	return o
}

// latestPolicy is the highest version that there was.
func (o Organization) latestPolicy() PolicyVersion {
	return max(o.PolicyVersion, PolicyVersion(o.Terms().Version))
}

// merge is Optional.Merge where null makes another value than the zero value.
func merge[T any](patch field.Optional[T], into *T, byDefault T) {
	patch.Merge(into)
	if patch.Null {
		*into = byDefault
	}
}

// mergeLimit is Optional.Merge where null is unlimited.
func mergeLimit[T any](patch field.Optional[T], into **T) {
	switch {
	case patch.Null:
		*into = nil
	case patch.Given:
		*into = &patch.Value
	}
}

// DefaultLimits are those of members who have none of their own.
func (o Organization) DefaultLimits() spending.Limits {
	return spending.Limits{Monthly: o.DefaultMonthlyLimit, Daily: o.DefaultDailyLimit}
}

// DefaultRates are those of members who have none of their own.
func (o Organization) DefaultRates() spending.Rates {
	return spending.Rates{RequestsPerMinute: o.DefaultRequestsPerMinute, TokensPerMinute: o.DefaultTokensPerMinute, InFlight: o.DefaultMaxInFlight}
}

// recorded is a limit as audit events show it.
func recorded(limit *money.Amount) any {
	if limit == nil {
		return nil
	}
	return limit.String()
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
		"default_monthly_limit": recorded(o.DefaultMonthlyLimit),
		"default_daily_limit":   recorded(o.DefaultDailyLimit),
		"limit_mode":            o.LimitMode.Or(),

		"default_requests_per_minute": o.DefaultRequestsPerMinute,
		"default_tokens_per_minute":   o.DefaultTokensPerMinute,
		"default_max_in_flight":       o.DefaultMaxInFlight,

		"alert_thresholds":     o.Thresholds(),
		"invitation_days":      o.InvitationDays,
		"event_retention_days": access.RetentionDays(int(o.EventRetentionDays)),
		"welcome_message":      o.WelcomeMessage,
		"guidelines_url":       o.GuidelinesURL,
		"policy_url":           o.PolicyURL,
		"policy_version":       o.Terms().Version,

		"require_policy_acceptance": o.RequirePolicyAcceptance,
		"require_connection":        o.RequireConnection,
	}
}

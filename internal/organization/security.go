package organization

import (
	"context"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/email"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/mail"
	"roster/internal/policy"
	"roster/internal/table"
)

// SecuritySettings is a merge patch (RFC 7396) of what the organization demands of
// how its members log in: what is absent stays, null demands nothing.
type SecuritySettings struct {
	// RequireTwoFactor: people without two-factor authentication may do nothing in the
	// organization but set it up and leave, and their API keys are refused. Service
	// accounts are exempt. Whoever turns it on has it on.
	RequireTwoFactor field.Optional[bool] `json:"require_two_factor,omitzero"`
	// TwoFactorGraceDays is how long after it was turned on that begins.
	TwoFactorGraceDays field.Optional[GraceDays] `json:"two_factor_grace_days,omitzero"`
	// SessionHours is how long after logging in a session gets tokens of the
	// organization; null, as long as it lasts.
	SessionHours field.Optional[SessionHours] `json:"session_hours,omitzero"`
	// IdleMinutes is how long a session may rest, from one issue of tokens to the
	// next, and still get tokens of the organization; null, as long as it lasts.
	IdleMinutes field.Optional[IdleMinutes] `json:"idle_minutes,omitzero"`
	// PasswordMinLength: members whose password is shorter get no tokens of the
	// organization before they have changed it; null is 8.
	PasswordMinLength field.Optional[PasswordMinLength] `json:"password_min_length,omitzero"`
	// AllowedEmailDomains are those whose addresses may become members. Who is one
	// stays. Null or none, all may.
	AllowedEmailDomains field.Optional[[]email.DomainPattern] `json:"allowed_email_domains,omitzero"`
}

// The bounds of the numbers. Active clients renew their tokens every ten minutes, so
// a session that rested for less than fifteen may be in use.
const (
	MaxGraceDays    = 90
	MaxSessionHours = 720
	MinIdleMinutes  = 15
	MaxIdleMinutes  = 720 * 60
)

type (
	// GraceDays is 0 to 90.
	GraceDays int
	// SessionHours is 1 to 720, which is how long a session lasts anyway.
	SessionHours int
	// IdleMinutes is 15 to 43,200.
	IdleMinutes int
	// PasswordMinLength is 8 to 64.
	PasswordMinLength int
)

func (n *GraceDays) UnmarshalJSONFrom(d *jsontext.Decoder) error { return whole(n, d, 0, MaxGraceDays) }
func (n *SessionHours) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	return whole(n, d, 1, MaxSessionHours)
}
func (n *IdleMinutes) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	return whole(n, d, MinIdleMinutes, MaxIdleMinutes)
}
func (n *PasswordMinLength) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	return whole(n, d, field.PasswordMin, policy.LongestAsked)
}

func whole[T ~int](into *T, d *jsontext.Decoder, least, most int) error {
	var n int
	if err := json.UnmarshalDecode(d, &n); err != nil {
		return err
	}
	if n < least || n > most {
		return fmt.Errorf("is not a number from %d to %d", least, most)
	}
	*into = T(n)
	return nil
}

// Validate bounds the list of domains.
func (s SecuritySettings) Validate() []fault.Field {
	if len(s.AllowedEmailDomains.Value) > maxDomains {
		return []fault.Field{{Pointer: "/allowed_email_domains", Reason: fmt.Sprintf("has more than %d domains", maxDomains)}}
	}
	return nil
}

// demand applies the patch.
func (s SecuritySettings) demand(p policy.Policy, now time.Time) policy.Policy {
	switch {
	case !s.RequireTwoFactor.Given:
	case !s.RequireTwoFactor.Value:
		p.TwoFactorSince = time.Time{}
	case p.TwoFactorSince.IsZero():
		p.TwoFactorSince = now
	}
	number(s.TwoFactorGraceDays, &p.GraceDays)
	number(s.SessionHours, &p.SessionHours)
	number(s.IdleMinutes, &p.IdleMinutes)
	number(s.PasswordMinLength, &p.PasswordMinLength)
	s.AllowedEmailDomains.Merge(&p.EmailDomains)
	return p
}

func number[T ~int](patch field.Optional[T], into *int) {
	if patch.Given {
		*into = int(patch.Value)
	}
}

// SecurityView is what the organization demands, as its members see it.
type SecurityView struct {
	RequireTwoFactor   bool `json:"require_two_factor"`
	TwoFactorGraceDays int  `json:"two_factor_grace_days"`
	// TwoFactorRequiredFrom is when people without two-factor authentication may do
	// nothing any more; absent, it is not required.
	TwoFactorRequiredFrom time.Time             `json:"two_factor_required_from,omitzero"`
	SessionHours          *int                  `json:"session_hours"`
	IdleMinutes           *int                  `json:"idle_minutes"`
	PasswordMinLength     int                   `json:"password_min_length"`
	AllowedEmailDomains   []email.DomainPattern `json:"allowed_email_domains"`
}

// SecurityAnswer is what the organization demands.
type SecurityAnswer struct {
	Security SecurityView `json:"security"`
	etag     string
}

// ETag is the entity tag of the organization.
func (a SecurityAnswer) ETag() string { return a.etag }

func securityOf(o Organization) SecurityAnswer {
	p := o.Policy
	return SecurityAnswer{SecurityView{
		RequireTwoFactor: !p.TwoFactorSince.IsZero(), TwoFactorGraceDays: p.GraceDays, TwoFactorRequiredFrom: p.TwoFactorFrom(),
		SessionHours: asked(p.SessionHours), IdleMinutes: asked(p.IdleMinutes), PasswordMinLength: p.PasswordLength(),
		AllowedEmailDomains: append([]email.DomainPattern{}, p.EmailDomains...),
	}, o.ETag()}
}

// asked is a number that is demanded; nil for none.
func asked(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}

// recorded is what an audit event shows, by the API's names.
func (v SecurityView) recorded() map[string]any {
	return map[string]any{
		"require_two_factor": v.RequireTwoFactor, "two_factor_grace_days": v.TwoFactorGraceDays,
		"session_hours": v.SessionHours, "idle_minutes": v.IdleMinutes,
		"password_min_length": v.PasswordMinLength, "allowed_email_domains": v.AllowedEmailDomains,
	}
}

// GetSecurity shows any member what the organization demands of them.
func (s Service) GetSecurity(ctx context.Context, by access.Actor, _ api.None) (SecurityAnswer, error) {
	o, err := Get(ctx, s.Table, by.Organization())
	if err != nil {
		return SecurityAnswer{}, err
	}
	if o == nil {
		return SecurityAnswer{}, access.ErrOrg
	}
	return securityOf(*o), nil
}

// UpdateSecurityRequest changes what the organization demands.
type UpdateSecurityRequest struct {
	IfMatch api.IfMatch `header:"If-Match" json:"-"`
	SecuritySettings
}

var errOwnTwoFactor = fault.New(fault.Conflict, "own_two_factor_required",
	"Turn two-factor authentication on for your own account first: whoever requires it has it.")

// UpdateSecurity merges a patch into what the organization demands of how its
// members log in. Required two-factor authentication binds at the next call, once
// the grace is over; those who lack it hear of it by mail. The length of sessions
// and passwords binds when tokens of the organization are issued next: within ten
// minutes. A patch that changes nothing writes nothing.
func (s Service) UpdateSecurity(ctx context.Context, by access.Actor, in UpdateSecurityRequest) (out SecurityAnswer, err error) {
	err = table.Retry(ctx, func() error {
		read, err := Get(ctx, s.Table, by.Organization())
		switch {
		case err != nil:
			return err
		case read == nil:
			return access.ErrOrg
		case !in.IfMatch.Admits(read.ETag()):
			return ErrVersion
		}
		now := s.Now()
		changed := read.secure(in.SecuritySettings, now)
		before, after := audit.Changes(securityOf(*read).Security.recorded(), securityOf(changed).Security.recorded())
		if len(after) == 0 {
			out = securityOf(*read)
			return nil
		}
		changed, save := Save(*read, changed, now)
		writes := []table.Write{save, audit.Record(now, read.ID, audit.Event{
			Action: audit.SecurityUpdated, Actor: audit.Member(by), Target: string(read.ID), Before: before, After: after,
		})}
		if read.Policy.TwoFactorSince.IsZero() && !changed.Policy.TwoFactorSince.IsZero() {
			writes = append(writes, by.StaysSecured(errOwnTwoFactor))
		}
		out, err = api.Commit(ctx, s.Table, securityOf(changed), writes...)
		return err
	})
	return out, err
}

// secure is the organization with a patch applied. Members hear when two-factor
// authentication begins to be required, or does so sooner than they heard.
func (o Organization) secure(patch SecuritySettings, now time.Time) Organization {
	was := o.Policy.TwoFactorFrom()
	o.Policy = patch.demand(o.Policy, now)
	switch from := o.Policy.TwoFactorFrom(); {
	case from.IsZero():
		return o.untell(mail.TwoFactorRequired)
	case was.IsZero() || from.Before(was):
		return o.tell(mail.TwoFactorRequired)
	}
	return o
}

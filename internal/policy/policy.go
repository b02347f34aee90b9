// Package policy is what an organization demands of how its members log in: rules
// without a store. Package organization keeps a Policy, package access acts on what
// binds at each call, and whatever issues tokens on the rest.
package policy

import (
	"slices"
	"time"

	"roster/internal/email"
	"roster/internal/fault"
	"roster/internal/field"
)

// Policy is an organization's. The zero Policy demands nothing.
type Policy struct {
	// TwoFactorSince is when two-factor authentication became required; zero, it is
	// not. It binds GraceDays later.
	TwoFactorSince time.Time `dynamodbav:"two_factor_since,omitempty"`
	GraceDays      int       `dynamodbav:"grace_days,omitempty"`
	// SessionHours is how old a log-in may be, and IdleMinutes how long it may have
	// rested; 0, as long as any.
	SessionHours int `dynamodbav:"session_hours,omitempty"`
	IdleMinutes  int `dynamodbav:"idle_minutes,omitempty"`
	// PasswordMinLength is at least field.PasswordMin, or 0.
	PasswordMinLength int `dynamodbav:"password_min_length,omitempty"`
	// EmailDomains are those whose addresses may become members; none, all.
	EmailDomains []email.DomainPattern `dynamodbav:"email_domains,omitempty"`
}

var (
	ErrTwoFactor = fault.New(fault.Forbidden, "two_factor_required",
		"The organization requires two-factor authentication: set it up for your account by POST /auth/2fa/setup and /auth/2fa/enable.")
	ErrPassword = fault.New(fault.Forbidden, "password_change_required",
		"The organization requires longer passwords than the account's: change it, then switch to the organization.")
	ErrSessionOld = fault.New(fault.Unauthenticated, "session_expired",
		"The organization limits how long a log-in is good, and this one is older. Please log in again.")
	ErrSessionIdle = fault.New(fault.Unauthenticated, "session_idle",
		"The organization limits how long a session may rest, and this one did for longer. Please log in again.")
	ErrDomain = fault.New(fault.Forbidden, "email_domain_not_allowed",
		"The organization admits addresses of certain domains only, and this is of none of them.")
)

// TwoFactorFrom is when two-factor authentication begins to be needed; zero, it is not.
func (p Policy) TwoFactorFrom() time.Time {
	if p.TwoFactorSince.IsZero() {
		return time.Time{}
	}
	return p.TwoFactorSince.Add(time.Duration(p.GraceDays) * 24 * time.Hour)
}

// Act returns why a person may do nothing in the organization now; nil if they may.
func (p Policy) Act(hasTwoFactor bool, now time.Time) error {
	if from := p.TwoFactorFrom(); !hasTwoFactor && !from.IsZero() && !now.Before(from) {
		return ErrTwoFactor
	}
	return nil
}

// PasswordLength is how many characters a member's password has at least.
func (p Policy) PasswordLength() int { return max(p.PasswordMinLength, field.PasswordMin) }

// LongestAsked is the longest password that an organization may require.
const LongestAsked = 64

// Login is what a Policy judges of a session.
type Login struct {
	At time.Time
	// Rested is the longest time between two issues of its tokens.
	Rested time.Duration
	// PasswordLength is that of the account's password.
	PasswordLength int
}

// Enter returns why a session gets no tokens of the organization; nil if it does.
func (p Policy) Enter(l Login, now time.Time) error {
	switch {
	case p.SessionHours > 0 && now.Sub(l.At) >= time.Duration(p.SessionHours)*time.Hour:
		return ErrSessionOld
	case p.IdleMinutes > 0 && l.Rested > time.Duration(p.IdleMinutes)*time.Minute:
		return ErrSessionIdle
	case l.PasswordLength < p.PasswordLength():
		return ErrPassword
	}
	return nil
}

// Join returns why who has an address may not become a member; nil if they may.
func (p Policy) Join(address email.Address) error {
	if len(p.EmailDomains) > 0 && !slices.ContainsFunc(p.EmailDomains, func(d email.DomainPattern) bool { return d.Matches(address) }) {
		return ErrDomain
	}
	return nil
}

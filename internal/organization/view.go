package organization

import (
	"time"

	"roster/internal/access"
	"roster/internal/email"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/spending"
)

// View is an organization as its members see it.
type View struct {
	ID               id.Organization `json:"id"`
	Name             field.Name      `json:"name"`
	Status           Status          `json:"status"`
	SuspensionReason field.Reason    `json:"suspension_reason,omitzero"`
	// DeletesAt is when the data of one that is being deleted are erased.
	DeletesAt           time.Time             `json:"deletes_at,omitzero"`
	TimeZone            field.TimeZone        `json:"time_zone"`
	AllowJoinRequests   bool                  `json:"allow_join_requests"`
	AutoApproveRequests bool                  `json:"auto_approve_requests"`
	AutoApproveDomains  []email.DomainPattern `json:"auto_approve_domains"`
	DefaultRole         string                `json:"default_role"`
	// DefaultMonthlyLimit and DefaultDailyLimit, in USD, are those of members who
	// have none of their own; null is unlimited, 0 is none.
	DefaultMonthlyLimit *money.Amount `json:"default_monthly_limit"`
	DefaultDailyLimit   *money.Amount `json:"default_daily_limit"`
	// DefaultRequestsPerMinute, DefaultTokensPerMinute and DefaultMaxInFlight are the same
	// for rates.
	DefaultRequestsPerMinute *spending.Count `json:"default_requests_per_minute"`
	DefaultTokensPerMinute   *spending.Count `json:"default_tokens_per_minute"`
	DefaultMaxInFlight       *spending.Count `json:"default_max_in_flight"`
	LimitMode                spending.Mode   `json:"limit_mode"`
	AlertThresholds          Thresholds      `json:"alert_thresholds"`
	InvitationDays           int             `json:"invitation_days"`
	// EventRetentionDays is how long single usage events are kept; what was counted of
	// them stays.
	EventRetentionDays int        `json:"event_retention_days"`
	WelcomeMessage     field.Text `json:"welcome_message"`
	GuidelinesURL      field.URL  `json:"guidelines_url"`
	PolicyURL          field.URL  `json:"policy_url"`
	// PolicyVersion is that which members are to accept; 0, there is no policy.
	PolicyVersion int `json:"policy_version"`
	// RequirePolicyAcceptance refuses persons who have not accepted it.
	RequirePolicyAcceptance bool `json:"require_policy_acceptance"`
	// RequireConnection refuses models to whose provider there is no connection.
	RequireConnection bool      `json:"require_connection"`
	CreatedAt         time.Time `json:"created_at"`
	UpdatedAt         time.Time `json:"updated_at"`
}

// View shows the organization.
func (o Organization) View() View {
	return View{
		ID: o.ID, Name: o.Name, Status: o.Status, SuspensionReason: o.SuspensionReason, DeletesAt: o.DeletesAt, TimeZone: o.TimeZone,
		AllowJoinRequests: o.AllowJoinRequests, AutoApproveRequests: o.AutoApproveRequests,
		AutoApproveDomains: append([]email.DomainPattern{}, o.AutoApproveDomains...),
		DefaultRole:        o.DefaultRole, InvitationDays: o.InvitationDays, EventRetentionDays: access.RetentionDays(int(o.EventRetentionDays)),
		DefaultMonthlyLimit: o.DefaultMonthlyLimit, DefaultDailyLimit: o.DefaultDailyLimit,
		DefaultRequestsPerMinute: o.DefaultRequestsPerMinute, DefaultTokensPerMinute: o.DefaultTokensPerMinute, DefaultMaxInFlight: o.DefaultMaxInFlight,
		LimitMode: o.LimitMode.Or(), AlertThresholds: o.Thresholds(),
		WelcomeMessage: o.WelcomeMessage, GuidelinesURL: o.GuidelinesURL, PolicyURL: o.PolicyURL,
		PolicyVersion: o.Terms().Version, RequirePolicyAcceptance: o.RequirePolicyAcceptance,
		RequireConnection: o.RequireConnection,
		CreatedAt:         o.CreatedAt, UpdatedAt: o.UpdatedAt,
	}
}

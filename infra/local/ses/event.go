package ses

import (
	"encoding/json"
	"maps"
	"net/mail"
	"slices"
	"time"
)

const (
	region  = "us-east-1"
	account = "000000000000"

	// eventTime is how SES writes times: ISO 8601 with milliseconds.
	eventTime = "2006-01-02T15:04:05.000Z"
)

// envelope is the form in which EventBridge hands on events. Detail-types are
// those of SES: "Email Sent", "Email Delivered", "Email Bounced", "Email
// Complaint Received".
type envelope struct {
	Version    string    `json:"version"`
	ID         string    `json:"id"`
	DetailType string    `json:"detail-type"`
	Source     string    `json:"source"`
	Account    string    `json:"account"`
	Time       time.Time `json:"time"`
	Region     string    `json:"region"`
	Resources  []string  `json:"resources"`
	Detail     detail    `json:"detail"`
}

// detail is an SES event record; the member named after its type is present.
type detail struct {
	EventType string     `json:"eventType"`
	Mail      eventMail  `json:"mail"`
	Send      *struct{}  `json:"send,omitempty"`
	Delivery  *delivery  `json:"delivery,omitempty"`
	Bounce    *bounce    `json:"bounce,omitempty"`
	Complaint *complaint `json:"complaint,omitempty"`
}

type eventMail struct {
	Timestamp        string              `json:"timestamp"`
	Source           string              `json:"source"`
	SourceArn        string              `json:"sourceArn"`
	SendingAccountID string              `json:"sendingAccountId"`
	MessageID        string              `json:"messageId"`
	Destination      []string            `json:"destination"`
	HeadersTruncated bool                `json:"headersTruncated"`
	Headers          []eventHeader       `json:"headers"`
	CommonHeaders    commonHeaders       `json:"commonHeaders"`
	Tags             map[string][]string `json:"tags"`
}

type eventHeader struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type commonHeaders struct {
	From      []string `json:"from"`
	To        []string `json:"to,omitempty"`
	Cc        []string `json:"cc,omitempty"`
	MessageID string   `json:"messageId"`
	Subject   string   `json:"subject"`
}

type delivery struct {
	Timestamp            string   `json:"timestamp"`
	ProcessingTimeMillis int      `json:"processingTimeMillis"`
	Recipients           []string `json:"recipients"`
	SMTPResponse         string   `json:"smtpResponse"`
	ReportingMTA         string   `json:"reportingMTA"`
}

type bounce struct {
	BounceType        string             `json:"bounceType"`
	BounceSubType     string             `json:"bounceSubType"`
	BouncedRecipients []bouncedRecipient `json:"bouncedRecipients"`
	Timestamp         string             `json:"timestamp"`
	FeedbackID        string             `json:"feedbackId"`
	ReportingMTA      string             `json:"reportingMTA"`
}

type bouncedRecipient struct {
	EmailAddress   string `json:"emailAddress"`
	Action         string `json:"action"`
	Status         string `json:"status"`
	DiagnosticCode string `json:"diagnosticCode"`
}

type complaint struct {
	ComplainedRecipients  []complainedRecipient `json:"complainedRecipients"`
	Timestamp             string                `json:"timestamp"`
	FeedbackID            string                `json:"feedbackId"`
	ComplaintSubType      *string               `json:"complaintSubType"`
	UserAgent             string                `json:"userAgent"`
	ComplaintFeedbackType string                `json:"complaintFeedbackType"`
	ArrivalDate           string                `json:"arrivalDate"`
}

type complainedRecipient struct {
	EmailAddress string `json:"emailAddress"`
}

// bounceKinds are the bounces of one mail, in the order of their events.
var bounceKinds = []struct {
	outcome                     Outcome
	subType, status, diagnostic string
}{
	{Bounced, "General", "5.1.1", "smtp; 550 5.1.1 user unknown"},
	{Suppressed, "OnAccountSuppressionList", "5.1.1",
		"The address is on the suppression list of the account, so the message was not sent."},
	{SuppressedGlobally, "Suppressed", "5.1.1",
		"The address has a recent history of bouncing, so the message was not sent."},
}

// eventsOf returns the events of a mail: Send, then Delivery, Bounce and
// Complaint, each with all recipients that it concerns. They are a function of
// the mail alone, so a repeat is the same event with the same id.
func eventsOf(m Mail) ([][]byte, error) {
	at := m.SentAt.UTC().Format(eventTime)
	var events [][]byte
	var failed error
	add := func(detailType string, d detail) {
		d.Mail = describe(m)
		event, err := json.Marshal(envelope{
			Version: "0", ID: derivedID(m.ID, len(events)), DetailType: detailType, Source: "aws.ses",
			Account: account, Time: m.SentAt.UTC().Truncate(time.Second), Region: region,
			Resources: []string{arn("configuration-set/" + m.ConfigurationSet)}, Detail: d,
		})
		if err != nil {
			failed = err
		}
		events = append(events, event)
	}
	add("Email Sent", detail{EventType: "Send", Send: &struct{}{}})
	if to := m.addressesWith(Delivered, Complained); to != nil {
		add("Email Delivered", detail{EventType: "Delivery", Delivery: &delivery{
			Timestamp: at, Recipients: to, SMTPResponse: "250 2.0.0 OK", ReportingMTA: "local.amazonses.com",
		}})
	}
	for _, kind := range bounceKinds {
		to := m.addressesWith(kind.outcome)
		if to == nil {
			continue
		}
		b := &bounce{
			BounceType: "Permanent", BounceSubType: kind.subType, Timestamp: at,
			FeedbackID: feedbackID(m, len(events)), ReportingMTA: "dns; amazonses.com",
		}
		for _, a := range to {
			b.BouncedRecipients = append(b.BouncedRecipients, bouncedRecipient{a, "failed", kind.status, kind.diagnostic})
		}
		add("Email Bounced", detail{EventType: "Bounce", Bounce: b})
	}
	if to := m.addressesWith(Complained); to != nil {
		c := &complaint{
			Timestamp: at, FeedbackID: feedbackID(m, len(events)), UserAgent: "Amazon SES Mailbox Simulator",
			ComplaintFeedbackType: "abuse", ArrivalDate: at,
		}
		for _, a := range to {
			c.ComplainedRecipients = append(c.ComplainedRecipients, complainedRecipient{a})
		}
		add("Email Complaint Received", detail{EventType: "Complaint", Complaint: c})
	}
	return events, failed
}

func describe(m Mail) eventMail {
	sender := m.From
	if parsed, err := mail.ParseAddress(m.From); err == nil {
		sender = parsed.Address
	}
	d := eventMail{
		Timestamp: m.SentAt.UTC().Format(eventTime), Source: m.From,
		SourceArn: arn("identity/" + sender), SendingAccountID: account, MessageID: m.ID,
		CommonHeaders: commonHeaders{
			From: []string{m.From}, To: addressList(m.To), Cc: addressList(m.Cc), MessageID: m.ID, Subject: m.Subject,
		},
		Tags: map[string][]string{
			"ses:configuration-set": {m.ConfigurationSet},
			"ses:from-domain":       {domainOf(sender)},
			"ses:source-ip":         {"127.0.0.1"},
			"ses:caller-identity":   {"local"},
		},
	}
	for _, r := range m.Recipients {
		d.Destination = append(d.Destination, r.Address)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
		d.Headers = append(d.Headers, eventHeader{name, m.Headers[name]})
	}
	for name, value := range m.Tags {
		d.Tags[name] = []string{value}
	}
	return d
}

func addressList(header string) []string {
	if header == "" {
		return nil
	}
	parsed, err := mail.ParseAddressList(header)
	if err != nil {
		return []string{header}
	}
	var list []string
	for _, a := range parsed {
		if a.Name == "" {
			list = append(list, a.Address)
		} else {
			list = append(list, a.String())
		}
	}
	return list
}

func arn(resource string) string {
	return "arn:aws:ses:" + region + ":" + account + ":" + resource
}

package ses

import (
	"slices"
	"time"
)

// Mail is a mail that was accepted, in the JSON form of the mailbox and of the
// file that keeps it.
type Mail struct {
	// ID is the message id that the sender was given.
	ID string `json:"id"`
	// From and To are as in the header: with names, To separated by ", ".
	From    string `json:"from"`
	To      string `json:"to"`
	Cc      string `json:"cc,omitempty"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html"`
	// Headers has each header field by name; repeated fields are joined by
	// ", ".
	Headers          map[string]string `json:"headers"`
	Tags             map[string]string `json:"tags,omitempty"`
	ConfigurationSet string            `json:"configuration_set,omitempty"`
	// Recipients are those of To, Cc and Bcc, as bare addresses.
	Recipients []Recipient `json:"recipients"`
	SentAt     time.Time   `json:"sent_at"`

	sender string // From as a bare address; only until the mail is accepted
}

// Recipient is one address of a mail and what became of the mail there.
type Recipient struct {
	Address string  `json:"address"`
	Outcome Outcome `json:"outcome"`
}

func (m Mail) isTo(address string) bool {
	address = lowerASCII(address)
	return slices.ContainsFunc(m.Recipients, func(r Recipient) bool {
		return lowerASCII(r.Address) == address
	})
}

// addressesWith returns the recipients with one of the outcomes.
func (m Mail) addressesWith(outcomes ...Outcome) []string {
	var addresses []string
	for _, r := range m.Recipients {
		if slices.Contains(outcomes, r.Outcome) {
			addresses = append(addresses, r.Address)
		}
	}
	return addresses
}

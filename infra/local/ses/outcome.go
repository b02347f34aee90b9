package ses

import "strings"

// Outcome is what became of a mail at one recipient.
type Outcome string

const (
	Delivered  Outcome = "delivered"
	Bounced    Outcome = "bounced"    // the mailbox does not exist
	Complained Outcome = "complained" // delivered, then marked as spam
	// Suppressed: on the account's suppression list, so not even tried.
	Suppressed Outcome = "suppressed"
	// SuppressedGlobally: the simulator's stand-in for SES's own list.
	SuppressedGlobally Outcome = "suppressed_globally"
)

// simulatorDomain is that of the SES mailbox simulator, which takes labels:
// bounce+anything@simulator.amazonses.com.
const simulatorDomain = "simulator.amazonses.com"

var simulated = map[string]Outcome{
	"success":         Delivered,
	"ooto":            Delivered, // the out-of-office answer goes to the sender, not into an event
	"bounce":          Bounced,
	"complaint":       Complained,
	"suppressionlist": SuppressedGlobally,
}

func outcomeOf(address string, suppressed bool) Outcome {
	if suppressed {
		return Suppressed
	}
	local, _, _ := strings.Cut(lowerASCII(address), "@")
	if lowerASCII(domainOf(address)) != simulatorDomain {
		return Delivered
	}
	name, _, _ := strings.Cut(local, "+")
	if outcome, ok := simulated[name]; ok {
		return outcome
	}
	return Bounced
}

// suppressionReason returns why an outcome puts the address on the suppression
// list, or "". As in SES, the simulator's own addresses stay off it, so that
// they go on working; with a label they are mailboxes like any other.
func suppressionReason(r Recipient) string {
	local, _, _ := strings.Cut(lowerASCII(r.Address), "@")
	if _, own := simulated[local]; own && lowerASCII(domainOf(r.Address)) == simulatorDomain {
		return ""
	}
	switch r.Outcome {
	case Bounced:
		return reasonBounce
	case Complained:
		return reasonComplaint
	}
	return ""
}

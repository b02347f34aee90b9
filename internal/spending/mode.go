package spending

import (
	"errors"
)

// Mode is how an organization applies its limits.
type Mode string

const (
	// Balanced: authorizing refuses who has reached a limit. Calls that were authorized
	// before, and are under way, may exceed it by what they cost. The default.
	Balanced Mode = "balanced"
	// Strict: whoever is under a limit reserves what a call may cost. No number of calls
	// at once exceeds a limit.
	Strict Mode = "strict"
	// Observe: nobody is refused for a limit; warnings go out.
	Observe Mode = "observe"
)

func (m *Mode) UnmarshalText(b []byte) error {
	switch mode := Mode(b); mode {
	case Balanced, Strict, Observe:
		*m = mode
		return nil
	}
	return errors.New("is not one of strict, balanced and observe")
}

// Or is the mode, or the default one.
func (m Mode) Or() Mode {
	if m == "" {
		return Balanced
	}
	return m
}

package user

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/hex"
	"maps"
	"time"

	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/secret"
	"roster/internal/table"
	"roster/internal/totp"
)

var (
	ErrOTPRequired = fault.New(fault.Unauthenticated, "otp_required",
		"The account has two-factor authentication: send otp, the code of the authenticator or a recovery code.")
	ErrOTP = fault.New(fault.Unauthenticated, "invalid_otp",
		"The code is wrong, too old, or was used before. Wait for the authenticator's next one.")
	ErrConcurrent = fault.New(fault.Conflict, "account_changed", "The account was changed at the same time. Please try again.")
)

// TwoFactor is an account's second factor: the codes of an authenticator, and
// recovery codes for the day it is lost.
type TwoFactor struct {
	// Secret is the authenticator's, sealed.
	Secret string `dynamodbav:"secret"`
	// LastStep is that of the newest code that was used: no code of it, or of one
	// before it, is taken again.
	LastStep int64 `dynamodbav:"last_step"`
	// Recovery are the digests of the recovery codes that are left, in hexadecimal.
	Recovery map[string]bool `dynamodbav:"recovery"`
	// EnabledAt tells this second factor from one before it.
	EnabledAt time.Time `dynamodbav:"enabled_at"`
}

// TwoFactorSetup is a second factor that is not on yet.
type TwoFactorSetup struct {
	// Secret is sealed.
	Secret    string    `dynamodbav:"secret"`
	ExpiresAt time.Time `dynamodbav:"expires_at"`
}

// twoFactorSetupTTL is how long a set-up awaits its first code.
const twoFactorSetupTTL = time.Hour

func (u *User) sealFor() string { return "totp\n" + string(u.ID) }

// SetUpTwoFactor gives the account a new secret, which is used once EnableTwoFactor
// has seen a code of it.
func (u *User) SetUpTwoFactor(keys *secret.Keys, now time.Time) totp.Secret {
	s := totp.NewSecret()
	u.TwoFactorSetup = &TwoFactorSetup{Secret: keys.Seal(s, u.sealFor()), ExpiresAt: now.Add(twoFactorSetupTTL)}
	return s
}

// EnableTwoFactor turns the second factor on that was set up, and returns its
// recovery codes. It refuses with ErrOTP.
func (u *User) EnableTwoFactor(keys *secret.Keys, code field.OTP, now time.Time) ([]string, error) {
	setup := u.TwoFactorSetup
	if setup == nil || !now.Before(setup.ExpiresAt) {
		return nil, ErrOTP
	}
	step, ok := match(keys, setup.Secret, u.sealFor(), code, now, 0)
	if !ok {
		return nil, ErrOTP
	}
	codes, digests := newRecoveryCodes()
	u.TwoFactor = &TwoFactor{Secret: setup.Secret, LastStep: step, Recovery: digests, EnabledAt: now}
	u.TwoFactorSetup = nil
	return codes, nil
}

// UseCode is the Write by which a code of the account's second factor is used up,
// in the transaction of what it allows. Without a second factor there is none. It
// is refused with ErrOTPRequired or ErrOTP; the Write with ErrOTP, where the code
// was used meanwhile.
func (u *User) UseCode(keys *secret.Keys, code field.OTP, now time.Time) ([]table.Write, error) {
	step, recovery, err := u.recognise(keys, code, now)
	switch on := u.TwoFactor; {
	case on == nil || err != nil:
		return nil, err
	case recovery != "":
		return []table.Write{{
			Key:    table.User(u.ID),
			Update: "REMOVE #two_factor.#recovery.#code SET #version = #version + :one",
			If:     "#two_factor.#enabled_at = :enabled AND attribute_exists(#two_factor.#recovery.#code)",
			Names:  map[string]string{"code": recovery},
			Values: table.V{"one": 1, "enabled": on.EnabledAt},
			Else:   ErrOTP,
		}}, nil
	default:
		return []table.Write{{
			Key:    table.User(u.ID),
			Update: "SET #two_factor.#last_step = :step, #version = #version + :one",
			If:     "#two_factor.#enabled_at = :enabled AND #two_factor.#last_step < :step",
			Values: table.V{"step": step, "one": 1, "enabled": on.EnabledAt},
			Else:   ErrOTP,
		}}, nil
	}
}

// SpendCode is UseCode for what saves the account anyway: the code is used up in
// the account as it stands here.
func (u *User) SpendCode(keys *secret.Keys, code field.OTP, now time.Time) error {
	step, recovery, err := u.recognise(keys, code, now)
	if u.TwoFactor == nil || err != nil {
		return err
	}
	spent := *u.TwoFactor
	if recovery != "" {
		spent.Recovery = maps.Clone(spent.Recovery)
		delete(spent.Recovery, recovery)
	} else {
		spent.LastStep = step
	}
	u.TwoFactor = &spent
	return nil
}

// recognise returns the step of an authenticator's code, or the digest of a recovery
// code. It is refused with ErrOTPRequired or ErrOTP, where the account has a second
// factor.
func (u *User) recognise(keys *secret.Keys, code field.OTP, now time.Time) (step int64, recovery string, err error) {
	on := u.TwoFactor
	switch {
	case on == nil:
		return 0, "", nil
	case code == "":
		return 0, "", ErrOTPRequired
	case code.Recovery():
		recovery = recoveryDigest(string(code))
		if !on.Recovery[recovery] {
			return 0, "", ErrOTP
		}
		return 0, recovery, nil
	}
	step, ok := match(keys, on.Secret, u.sealFor(), code, now, on.LastStep)
	if !ok {
		return 0, "", ErrOTP
	}
	return step, "", nil
}

// HasTwoFactor is the check that an account has a second factor; otherwise it fails
// with table.ErrChanged.
func HasTwoFactor(user id.User) table.Write {
	return table.Write{Key: table.User(user), If: "attribute_exists(#two_factor)", Else: table.ErrChanged}
}

// StaysSecured is the Write by which a membership is founded that says its person
// has a second factor. It moves the account's version on, so that who turns that off
// at the same time sees the membership. It fails with ErrConcurrent.
func StaysSecured(user id.User) table.Write {
	return table.Write{
		Key: table.User(user), Update: "ADD #version :one",
		If: "attribute_exists(#two_factor)", Values: table.V{"one": 1}, Else: ErrConcurrent,
	}
}

// match opens a secret and returns the step of a code. A secret that was sealed
// with keys which are no longer the deployment's has no codes.
func match(keys *secret.Keys, sealed, use string, code field.OTP, now time.Time, after int64) (int64, bool) {
	s, err := keys.Open(sealed, use)
	if err != nil {
		return 0, false
	}
	return totp.Secret(s).Match(string(code), now, after)
}

// recoveryCodes is how many there are. Each has 80 random bits, so that a plain
// digest of it tells nothing.
const (
	recoveryCodes = 10
	recoveryBytes = 10
)

// newRecoveryCodes returns codes in groups of four characters, and their digests.
func newRecoveryCodes() (codes []string, digests map[string]bool) {
	digests = make(map[string]bool, recoveryCodes)
	for range recoveryCodes {
		random := make([]byte, recoveryBytes)
		rand.Read(random)
		code := base32.StdEncoding.EncodeToString(random)
		digests[recoveryDigest(code)] = true
		codes = append(codes, code[:4]+"-"+code[4:8]+"-"+code[8:12]+"-"+code[12:])
	}
	return codes, digests
}

func recoveryDigest(code string) string { return hex.EncodeToString(secret.Digest(code)) }

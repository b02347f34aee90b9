package envelope

import (
	"context"
	"crypto/rand"

	"roster/internal/secret"
)

// Secret is the deployment's secret as the master key. Once the secret was rotated
// twice, what it sealed before does not open any more.
type Secret func(context.Context) (*secret.Keys, error)

func (s Secret) NewDataKey(ctx context.Context, of Context) (plain, sealed []byte, err error) {
	keys, err := s(ctx)
	if err != nil {
		return nil, nil, err
	}
	plain = make([]byte, 32)
	rand.Read(plain)
	return plain, []byte(keys.Seal(plain, use(of))), nil
}

func (s Secret) OpenDataKey(ctx context.Context, sealed []byte, of Context) ([]byte, error) {
	keys, err := s(ctx)
	if err != nil {
		return nil, err
	}
	plain, err := keys.Open(string(sealed), use(of))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

func use(of Context) string { return "data key\n" + string(of.bytes()) }

package account

import (
	"context"

	"github.com/go-jose/go-jose/v4"

	"roster/internal/api"
	"roster/internal/session"
)

// JWKSAnswer is the key set of RFC 7517.
type JWKSAnswer struct {
	Keys []jose.JSONWebKey `json:"keys"`
}

// JWKS lists the public keys with which access tokens are verified.
func (s Service) JWKS(ctx context.Context, _ api.Client, _ api.None) (JWKSAnswer, error) {
	keys, err := s.Keys(ctx)
	if err != nil {
		return JWKSAnswer{}, err
	}
	return JWKSAnswer{session.JWKS(keys).Keys}, nil
}

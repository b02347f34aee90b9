package usage

// messagesUsage is the usage of Anthropic's messages. input_tokens are only those that were
// neither read from a cache nor written to one
// (https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching).
type messagesUsage struct {
	Input         *int64 `json:"input_tokens"`
	Output        *int64 `json:"output_tokens"`
	CacheRead     int64  `json:"cache_read_input_tokens"`
	CacheCreation int64  `json:"cache_creation_input_tokens"`
}

func (u messagesUsage) tokens() (Tokens, error) {
	if u.Input == nil || u.Output == nil {
		return Tokens{}, errHalfUsage
	}
	t, err := counted(u.Input, u.Output, u.CacheRead, u.CacheCreation, 0)
	t.input += t.cached + t.cacheWrite
	return t, err
}

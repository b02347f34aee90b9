package usage

// chatUsage is the usage of OpenAI's chat completions and embeddings: prompt_tokens include
// the cached ones, completion_tokens the reasoning; embeddings complete nothing
// (https://platform.openai.com/docs/api-reference/chat/object).
type chatUsage struct {
	Prompt        *int64 `json:"prompt_tokens"`
	Completion    *int64 `json:"completion_tokens"`
	PromptDetails struct {
		Cached int64 `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
	CompletionDetails struct {
		Reasoning int64 `json:"reasoning_tokens"`
	} `json:"completion_tokens_details"`
}

func (u chatUsage) tokens() (Tokens, error) {
	if u.Prompt == nil {
		return Tokens{}, errNoUsage
	}
	return counted(u.Prompt, u.Completion, u.PromptDetails.Cached, 0, u.CompletionDetails.Reasoning)
}

// responsesUsage is the usage of OpenAI's responses: input_tokens include the cached ones,
// output_tokens the reasoning (https://platform.openai.com/docs/api-reference/responses/object).
type responsesUsage struct {
	Input        *int64 `json:"input_tokens"`
	Output       *int64 `json:"output_tokens"`
	InputDetails struct {
		Cached int64 `json:"cached_tokens"`
	} `json:"input_tokens_details"`
	OutputDetails struct {
		Reasoning int64 `json:"reasoning_tokens"`
	} `json:"output_tokens_details"`
}

func (u responsesUsage) tokens() (Tokens, error) {
	if u.Input == nil || u.Output == nil {
		return Tokens{}, errHalfUsage
	}
	return counted(u.Input, u.Output, u.InputDetails.Cached, 0, u.OutputDetails.Reasoning)
}

"""LINE: webhooks in, messages out. `channel.Line` is what gets wired in; `fake.FakeLine` stands in for the platform."""

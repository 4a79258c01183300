"""Three nights on one machine, as CI would have them: shards, verdict, site, word of the change; and a look at what came of it."""

"""Ask teachers: open them, plan what is missing, buy it shard by shard, grade it as it comes."""

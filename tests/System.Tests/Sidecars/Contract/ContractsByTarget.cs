namespace SecondhandTrade.SystemTests.Sidecars.Contract;

// One class for each contract and target: xUnit finds the sentences of the contract in each of them.
public sealed class StateOnTheStandIn(GarnetFixture redis) : StateContract(new StandInTarget(redis.Address));

public sealed class StateOnTheStandInWithRedis(RedisServerFixture redis) : StateContract(redis.Target);

public sealed class StateOnDaprd(DaprdTarget daprd) : StateContract(daprd);

public sealed class RemindersOnTheStandIn(GarnetFixture redis) : ReminderContract(new StandInTarget(redis.Address));

public sealed class RemindersOnTheStandInWithRedis(RedisServerFixture redis) : ReminderContract(redis.Target);

public sealed class RemindersOnDaprd(DaprdTarget daprd) : ReminderContract(daprd);

public sealed class ActorsOnTheStandIn(GarnetFixture redis) : ActorContract(new StandInTarget(redis.Address));

public sealed class ActorsOnTheStandInWithRedis(RedisServerFixture redis) : ActorContract(redis.Target);

public sealed class ActorsOnDaprd(DaprdTarget daprd) : ActorContract(daprd);

public sealed class InvocationOnTheStandIn(GarnetFixture redis) : InvocationContract(new StandInTarget(redis.Address));

public sealed class InvocationOnDaprd(DaprdTarget daprd) : InvocationContract(daprd);

public sealed class DeliveryOnTheStandIn(GarnetFixture redis) : DeliveryContract(new StandInTarget(redis.Address));

public sealed class DeliveryOnDaprd(DaprdTarget daprd) : DeliveryContract(daprd);

public sealed class HealthOnTheStandIn(GarnetFixture redis) : HealthContract(new StandInTarget(redis.Address));

public sealed class HealthOnDaprd(DaprdTarget daprd) : HealthContract(daprd);

public sealed class ScopesOnTheStandIn(GarnetFixture redis) : ScopeContract(new StandInTarget(redis.Address));

public sealed class ScopesOnDaprd(DaprdTarget daprd) : ScopeContract(daprd);

public sealed class BindingsOnTheStandIn(GarnetFixture redis) : BindingContract(new StandInTarget(redis.Address));

public sealed class BindingsOnDaprd(DaprdTarget daprd) : BindingContract(daprd);

public sealed class BulkOnTheStandIn(GarnetFixture redis) : BulkContract(new StandInTarget(redis.Address));

public sealed class BulkOnDaprd(DaprdTarget daprd) : BulkContract(daprd);

public sealed class ReplicasOnTheStandIn(GarnetFixture redis) : ReplicaContract(new StandInTarget(redis.Address));

public sealed class ReplicasOnDaprd(DaprdTarget daprd) : ReplicaContract(daprd);

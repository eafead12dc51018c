namespace SecondhandTrade.SystemTests.Sidecars.Contract;

// One class for each contract and leg: xUnit finds the sentences of the contract in each of them.
public sealed class StateOnTheStandIn(GarnetFixture redis) : StateContract(new StandInLeg(redis.Address));

public sealed class StateOnTheStandInWithRedis(RedisServerFixture redis) : StateContract(redis.Leg);

public sealed class StateOnDaprd(DaprdLeg daprd) : StateContract(daprd);

public sealed class RemindersOnTheStandIn(GarnetFixture redis) : ReminderContract(new StandInLeg(redis.Address));

public sealed class RemindersOnTheStandInWithRedis(RedisServerFixture redis) : ReminderContract(redis.Leg);

public sealed class RemindersOnDaprd(DaprdLeg daprd) : ReminderContract(daprd);

public sealed class ActorsOnTheStandIn(GarnetFixture redis) : ActorContract(new StandInLeg(redis.Address));

public sealed class ActorsOnTheStandInWithRedis(RedisServerFixture redis) : ActorContract(redis.Leg);

public sealed class ActorsOnDaprd(DaprdLeg daprd) : ActorContract(daprd);

public sealed class InvocationOnTheStandIn(GarnetFixture redis) : InvocationContract(new StandInLeg(redis.Address));

public sealed class InvocationOnDaprd(DaprdLeg daprd) : InvocationContract(daprd);

public sealed class DeliveryOnTheStandIn(GarnetFixture redis) : DeliveryContract(new StandInLeg(redis.Address));

public sealed class DeliveryOnDaprd(DaprdLeg daprd) : DeliveryContract(daprd);

public sealed class HealthOnTheStandIn(GarnetFixture redis) : HealthContract(new StandInLeg(redis.Address));

public sealed class HealthOnDaprd(DaprdLeg daprd) : HealthContract(daprd);

public sealed class ScopesOnTheStandIn(GarnetFixture redis) : ScopeContract(new StandInLeg(redis.Address));

public sealed class ScopesOnDaprd(DaprdLeg daprd) : ScopeContract(daprd);

public sealed class BindingsOnTheStandIn(GarnetFixture redis) : BindingContract(new StandInLeg(redis.Address));

public sealed class BindingsOnDaprd(DaprdLeg daprd) : BindingContract(daprd);

public sealed class BulkOnTheStandIn(GarnetFixture redis) : BulkContract(new StandInLeg(redis.Address));

public sealed class BulkOnDaprd(DaprdLeg daprd) : BulkContract(daprd);

public sealed class ReplicasOnTheStandIn(GarnetFixture redis) : ReplicaContract(new StandInLeg(redis.Address));

public sealed class ReplicasOnDaprd(DaprdLeg daprd) : ReplicaContract(daprd);

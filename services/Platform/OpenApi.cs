using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace SecondhandTrade.Platform;

/// <summary>What an endpoint declares for its context's OpenAPI document; what all endpoints of a kind share is added by <see cref="Declared"/>.</summary>
public static class OpenApi
{
    /// <summary>It answers a resource as HAL, under its ETag.</summary>
    public static RouteHandlerBuilder Answers<T>(this RouteHandlerBuilder endpoint, params IEnumerable<int> statuses)
    {
        foreach (var status in statuses)
        {
            endpoint.Produces<T>(status, Hal.Media).WithMetadata(new Tagged(status));
        }

        return endpoint;
    }

    /// <summary>It answers a page of resources, embedded under their kind's name.</summary>
    public static RouteHandlerBuilder Lists<T>(this RouteHandlerBuilder endpoint, string kind) => endpoint.Produces<HalList<T>>(StatusCodes.Status200OK, Hal.Media).WithMetadata(new ListOf(kind));

    /// <summary>It may refuse with one of these codes.</summary>
    public static RouteHandlerBuilder Refuses(this RouteHandlerBuilder endpoint, int status, params IEnumerable<string> codes) => endpoint.WithMetadata(new Refusing(status, [.. codes]));

    /// <summary>It takes bytes of these types; which they are, they say themselves.</summary>
    public static RouteHandlerBuilder TakesBytes(this RouteHandlerBuilder endpoint, params IReadOnlyList<string> types) => endpoint.WithMetadata(new Bytes(types));

    /// <summary>The town's own apps and whoever runs it call this, each through a sidecar; the gateway does not lead here.</summary>
    public static TBuilder WithinTown<TBuilder>(this TBuilder endpoints)
        where TBuilder : IEndpointConventionBuilder => endpoints.WithMetadata(new Within());

    /// <summary>Adds the document of one context, in the town's own spelling of JSON.</summary>
    internal static IServiceCollection AddDocument(this IServiceCollection services, string context, JsonSerializerOptions json, Assembly assembly)
    {
        services.AddSingleton<ISerializerDataContractResolver>(new JsonSerializerDataContractResolver(json));
        return services.AddEndpointsApiExplorer().AddSwaggerGen(document =>
        {
            document.SwaggerDoc("v1", new()
            {
                Title = $"SecondhandTrade: {context}",
                Version = "v1",
                Description = "A resource's _links name what may be done next. Every error is a problem (RFC 9457) with a stable code. What is marked x-internal is reached through a sidecar, not through the gateway.",
                License = new() { Name = "MIT" },
            });
            document.AddSecurityDefinition(Declared.Token, new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                BearerFormat = "JWT",
                Description = "A token of the OpenID provider, where people sign in (Auth:Mode=oidc); its subject is who asks.",
            });
            document.UseInlineDefinitionsForEnums();
            document.IncludeXmlComments(assembly);
            document.IncludeXmlComments(typeof(OpenApi).Assembly);
            document.AddSchemaFilterInstance(new Written(json));
            document.OperationFilter<Declared>();
        });
    }

    internal sealed record Tagged(int Status);

    internal sealed record ListOf(string Kind);

    internal sealed record Refusing(int Status, IReadOnlyList<string> Codes);

    internal sealed record Bytes(IReadOnlyList<string> Types);

    internal sealed record Within;
}

/// <summary>An error as it is written: RFC 9457 with the town's own fields.</summary>
/// <param name="Type">What kind of problem HTTP calls it.</param>
/// <param name="Title">The status in words.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">What happened, to which thing, and what to do.</param>
/// <param name="Code">What a program goes by.</param>
/// <param name="TraceId">Under which trace the town's logs have it.</param>
/// <param name="Errors">What is wrong, by field.</param>
/// <param name="CurrentStatus">What the thing is now, where that is why it was refused.</param>
/// <param name="Allowed">What may be done instead, by the names of the links.</param>
/// <param name="PayBy">Until when a declined payment can be made after all.</param>
/// <param name="Context">Which context could not be reached.</param>
internal sealed record Error(
    string? Type, string Title, int Status, string? Detail, string Code, [property: JsonPropertyName("traceId")] string TraceId,
    IReadOnlyDictionary<string, IReadOnlyList<string>>? Errors, string? CurrentStatus, IReadOnlyList<string>? Allowed, DateTimeOffset? PayBy, string? Context);

/// <summary>Schemas say what is written: what is null is left out, everything else is there.</summary>
internal sealed class Written(JsonSerializerOptions json) : ISchemaFilter
{
    public void Apply(IOpenApiSchema schema, SchemaFilterContext context)
    {
        if (schema is not OpenApiSchema { Properties: { Count: > 0 } properties } written)
        {
            return;
        }

        written.Required = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var property in json.GetTypeInfo(context.Type).Properties.Where(p => p.Get is not null))
        {
            if (!property.IsGetNullable)
            {
                written.Required.Add(property.Name);
            }

            if (properties[property.Name] is OpenApiSchema value)
            {
                (value.Type, value.ReadOnly) = (value.Type & ~JsonSchemaType.Null, false);
            }
        }
    }
}

/// <summary>Completes an operation by what its endpoint declares and by what all of its kind share.</summary>
internal sealed class Declared : IOperationFilter
{
    public const string Token = "bearer";

    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        var metadata = context.ApiDescription.ActionDescriptor.EndpointMetadata;
        var method = context.ApiDescription.HttpMethod!;
        var (open, within) = (metadata.OfType<IAllowAnonymous>().Any(), metadata.OfType<OpenApi.Within>().Any());
        var parameters = operation.Parameters ??= [];
        foreach (var parameter in parameters.OfType<OpenApiParameter>())
        {
            Describe(parameter);
        }

        var refusals = new SortedDictionary<int, SortedSet<string>>();
        void Refuse(int status, params IEnumerable<string> codes)
        {
            refusals.TryAdd(status, new(StringComparer.Ordinal));
            refusals[status].UnionWith(codes);
        }

        void Header(string name, string description) => parameters.Add(new OpenApiParameter
        {
            Name = name,
            In = ParameterLocation.Header,
            Description = description,
            Schema = new OpenApiSchema { Type = JsonSchemaType.String },
        });

        if (parameters.Any(p => p.In == ParameterLocation.Query))
        {
            Refuse(400, "invalid");
        }

        if (parameters.Any(p => p.In == ParameterLocation.Path))
        {
            Refuse(404, "not-found");
        }

        if (context.MethodInfo.GetParameters().Any(p => p.ParameterType == typeof(Caller)))
        {
            parameters.Add(new OpenApiParameter
            {
                Name = "userid",
                In = ParameterLocation.Query,
                Schema = new OpenApiSchema { Type = JsonSchemaType.String },
                Description = "Who asks, where the town believes it (Auth:Mode=open); elsewhere it is not looked at.",
            });
        }

        if (metadata.OfType<OpenApi.Bytes>().FirstOrDefault() is { } bytes)
        {
            operation.RequestBody = new OpenApiRequestBody { Required = true, Content = bytes.Types.ToDictionary(type => type, _ => (IOpenApiMediaType)new OpenApiMediaType()) };
            Refuse(413, "too-large");
        }
        else if (operation.RequestBody is not null)
        {
            Accept(context);
            Refuse(400, "invalid", "malformed");
            Refuse(413, "too-large");
            Refuse(415, "unsupported-media-type");
        }

        if (!open)
        {
            operation.Security = [[], new() { [new OpenApiSecuritySchemeReference(Token, context.Document)] = [] }];
            Refuse(401, "not-signed-in");
        }

        if (metadata.OfType<IAuthorizeData>().Any(a => a.Policy is not null))
        {
            Refuse(403, "forbidden");
        }

        Refuse(503, "temporarily-unavailable");
        if (within)
        {
            (operation.Extensions ??= new Dictionary<string, IOpenApiExtension>())["x-internal"] = new JsonNodeExtension(true);
            Refuse(401, "sidecar-only");
        }
        else
        {
            Refuse(429, "too-many-requests");
            Refuse(503, "context-unavailable");
        }

        var tagged = metadata.OfType<OpenApi.Tagged>().Select(t => t.Status).ToHashSet();
        if (tagged.Count > 0 && method == HttpMethods.Get)
        {
            Header("If-None-Match", "ETags of what the caller has; one that is still so is answered 304, without a body.");
            operation.Responses!["304"] = new OpenApiResponse { Description = ReasonPhrases.GetReasonPhrase(304) };
            tagged.Add(304);
        }

        if (tagged.Count > 0 && (method == HttpMethods.Put || method == HttpMethods.Patch))
        {
            Header("If-Match", "The ETag that the caller acts on; nothing is done if it has changed meanwhile.");
            Refuse(412, "version-changed");
        }

        foreach (var refusing in metadata.OfType<OpenApi.Refusing>())
        {
            Refuse(refusing.Status, refusing.Codes);
        }

        if (refusals.ContainsKey(422))
        {
            Header("Idempotency-Key", "The same key and body again is done once and answered as before; so is a body that names its id.");
        }

        foreach (var (status, response) in operation.Responses!)
        {
            Complete((OpenApiResponse)response, status, tagged.Contains(int.Parse(status)));
        }

        if (metadata.OfType<OpenApi.ListOf>().FirstOrDefault() is { } list)
        {
            Embed(list.Kind, context);
        }

        foreach (var (status, codes) in refusals)
        {
            operation.Responses[$"{status}"] = Shared(Refusal(status, codes, context), string.Join("-or-", codes), metadata.OfType<OpenApi.Refusing>().All(own => own.Status != status), context);
        }
    }

    private static void Describe(OpenApiParameter parameter)
    {
        if (parameter.In != ParameterLocation.Query)
        {
            return;
        }

        // Read whatever its case, and written as all else is.
        parameter.Name = parameter.Name!.ToLowerInvariant();
        parameter.Required = false;
        parameter.Schema = parameter.Name switch
        {
            "page" => new OpenApiSchema { Type = JsonSchemaType.Integer, Minimum = "0", Maximum = "100000", Default = 0 },
            "size" => new OpenApiSchema { Type = JsonSchemaType.Integer, Minimum = "1", Maximum = "100", Default = 20 },
            "sort" => new OpenApiSchema { Type = JsonSchemaType.String, Enum = ["newest", "oldest"], Default = "newest" },
            _ => new OpenApiSchema { Type = JsonSchemaType.String },
        };
    }

    /// <summary>On the way in every scalar may also be a text, and a text a whole number; what is null or unknown is not looked at.</summary>
    private static void Accept(OperationFilterContext context)
    {
        var body = context.ApiDescription.ParameterDescriptions.Single(p => p.Source == BindingSource.Body).Type;
        var schema = Kept(body, context);
        (schema.AdditionalPropertiesAllowed, schema.AdditionalProperties) = (true, null);

        // Rules do not depend on values, so an uninitialised instance is enough to read them.
        if (body.IsSubclassOf(typeof(ValidatedRequest)))
        {
            foreach (var rule in ((ValidatedRequest)RuntimeHelpers.GetUninitializedObject(body)).Check().Rules)
            {
                Bound((OpenApiSchema)schema.Properties![rule.Field], rule);
                if (rule.Required)
                {
                    schema.Required!.Add(rule.Field);
                }
            }
        }

        foreach (var (name, property) in schema.Properties!)
        {
            if (property is OpenApiSchema { Enum: null or { Count: 0 } } scalar && scalar.Type is { } type)
            {
                scalar.Type = type | (type.HasFlag(JsonSchemaType.String) ? JsonSchemaType.Integer : JsonSchemaType.String) | (schema.Required!.Contains(name) ? 0 : JsonSchemaType.Null);
            }
        }
    }

    private static void Bound(OpenApiSchema field, FieldRule rule)
    {
        (field.Minimum, field.Maximum) = (rule.Least?.ToString(CultureInfo.InvariantCulture), rule.Most?.ToString(CultureInfo.InvariantCulture));
        (field.MaxLength, field.Pattern, field.Enum) = (rule.Longest, rule.Pattern, rule.Options is { } options ? [.. options.Select(o => JsonValue.Create(o))] : null);
    }

    private static void Embed(string kind, OperationFilterContext context)
    {
        var list = context.ApiDescription.SupportedResponseTypes.Single(r => r.StatusCode == 200).Type!;
        var embedded = (OpenApiSchema)Kept(list, context).Properties!["_embedded"];
        if (embedded.AdditionalProperties is { } resources)
        {
            embedded.Properties = new Dictionary<string, IOpenApiSchema> { [kind] = resources };
            embedded.Required = new HashSet<string> { kind };
            (embedded.AdditionalPropertiesAllowed, embedded.AdditionalProperties) = (false, null);
        }
    }

    private static void Complete(OpenApiResponse response, string status, bool tagged)
    {
        response.Headers ??= new Dictionary<string, IOpenApiHeader>();
        if (tagged)
        {
            response.Headers["ETag"] = Told("Which version this is.");
        }

        if (status == "201")
        {
            response.Headers["Location"] = Told("Where it is from now on.");
        }

        if (status == "202")
        {
            response.Headers["Retry-After"] = Told("Seconds after which there may be news.", required: false, JsonSchemaType.Integer);
        }

        // Bytes have no schema: their type says what they are.
        foreach (var media in response.Content?.Where(c => !c.Key.EndsWith("json", StringComparison.Ordinal)).Select(c => c.Value).OfType<OpenApiMediaType>() ?? [])
        {
            media.Schema = null;
        }
    }

    // What only this endpoint answers stands with it; what its kind does is said once.
    private static IOpenApiResponse Shared(OpenApiResponse response, string name, bool shared, OperationFilterContext context)
    {
        if (!shared)
        {
            return response;
        }

        ((context.Document.Components ??= new()).Responses ??= new Dictionary<string, IOpenApiResponse>())[name] = response;
        return new OpenApiResponseReference(name, context.Document);
    }

    private static OpenApiResponse Refusal(int status, IEnumerable<string> codes, OperationFilterContext context) => new()
    {
        Description = ReasonPhrases.GetReasonPhrase(status),
        Headers = status is 429 or 503 ? new Dictionary<string, IOpenApiHeader> { ["Retry-After"] = Told("Seconds after which to ask again.", type: JsonSchemaType.Integer) } : null,
        Content = new Dictionary<string, IOpenApiMediaType>
        {
            [Problems.Media] = new OpenApiMediaType
            {
                Schema = new OpenApiSchema
                {
                    AllOf =
                    [
                        context.SchemaGenerator.GenerateSchema(typeof(Error), context.SchemaRepository),
                        new OpenApiSchema { Properties = new Dictionary<string, IOpenApiSchema> { ["code"] = new OpenApiSchema { Enum = [.. codes.Select(code => JsonValue.Create(code))] } } },
                    ],
                },
            },
        },
    };

    private static OpenApiHeader Told(string description, bool required = true, JsonSchemaType type = JsonSchemaType.String) =>
        new() { Description = description, Required = required, Schema = new OpenApiSchema { Type = type } };

    private static OpenApiSchema Kept(Type type, OperationFilterContext context) => context.SchemaRepository.TryLookupByType(type, out var reference)
        ? (OpenApiSchema)context.SchemaRepository.Schemas[reference.Reference.Id!]
        : throw new InvalidOperationException($"{type} is no schema of its own in the document; declare a record instead.");
}
